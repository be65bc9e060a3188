# frozen_string_literal: true

# config/initializers/sidekiq.rb:6-7, :24-26
Sidekiq.configure_server {|config| config.redis = AppConfig.get_redis_options }
Sidekiq.configure_client {|config| config.redis = AppConfig.get_redis_options }
