# frozen_string_literal: true

# config/initializers/filter_parameter_logging.rb:6-8
Rails.application.config.filter_parameters += %i[
  password passw secret token _key crypt salt certificate otp otp_attempt ssn message text bio
]
