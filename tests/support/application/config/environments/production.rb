# frozen_string_literal: true

# config/environments/production.rb; the log is log/production.log (:70), and no summary of the database is
# written (:115)
Rails.application.configure do
  config.cache_classes = true
  config.eager_load = true
  config.eager_load_paths += %W[#{config.root}/lib]
  config.consider_all_requests_local = false
  config.action_controller.perform_caching = true
  config.public_file_server.enabled = ENV["RAILS_SERVE_STATIC_FILES"].present?
  config.log_level = :info
  config.action_mailer.perform_caching = false
  config.i18n.fallbacks = true
  config.active_support.deprecation = :notify
  config.active_record.dump_schema_after_migration = false
end
