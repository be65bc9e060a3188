# frozen_string_literal: true

require "rack/ssl"

# config/initializers/enforce_ssl.rb:7-10
if AppConfig.environment.require_ssl?
  Rails.application.config.middleware.insert_before 0, Rack::SSL
  puts "Rack::SSL is enabled"
end
