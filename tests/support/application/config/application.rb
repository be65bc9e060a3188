# frozen_string_literal: true

require_relative "boot"

# config/application.rb:5 takes all of Rails; a start of the virtual machine is shorter with less
require "rails"
require "active_model/railtie"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"
require "action_mailer/railtie"

Bundler.require(*Rails.groups)

module Diaspora
  # config/application.rb:16-69
  class Application < Rails::Application
    config.load_defaults 6.1
    config.autoloader = :classic
    config.autoload_paths += %W[#{config.root}/app]
    config.autoload_once_paths += %W[#{config.root}/lib]
    config.active_support.escape_html_entities_in_json = true
    config.action_mailer.default_url_options = {
      protocol: AppConfig.pod_uri.scheme,
      host:     AppConfig.pod_uri.authority
    }
    config.action_mailer.asset_host = AppConfig.pod_uri.to_s
  end
end

Rails.application.routes.default_url_options[:host] = AppConfig.pod_uri.host
Rails.application.routes.default_url_options[:port] = AppConfig.pod_uri.port
