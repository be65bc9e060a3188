# frozen_string_literal: true

# config/initializers/set_session_secret.rb:3
Rails.application.config.secret_key_base = AppConfig.secret_token
