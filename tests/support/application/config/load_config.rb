# frozen_string_literal: true

# config/load_config.rb: variables of the environment first, then the table of the Rails environment, then
# [configuration], then defaults.yml (:20-61). No file, or no file of authorities: the program ends (:24-31, :65-72).

require "pathname"
require "bundler/setup"
require "configurate"
require "configurate/provider/toml"

module Rails
  def self.root
    @__root ||= Pathname.new(File.expand_path("..", __dir__))
  end
end

require Rails.root.join("lib", "configuration_methods")

rails_env = ENV["RAILS_ENV"] || ENV["RACK_ENV"] || "development"
toml = Rails.root.join("config", "diaspora.toml").to_s
defaults = Rails.root.join("config", "defaults.yml").to_s

unless File.exist?(toml)
  warn "FATAL: Configuration not found: #{toml}"
  exit!
end

AppConfig ||= Configurate::Settings.create do
  add_provider Configurate::Provider::Dynamic
  add_provider Configurate::Provider::Env
  add_provider Configurate::Provider::TOML, toml, namespace: rails_env, required: false
  add_provider Configurate::Provider::TOML, toml, namespace: "configuration", required: false
  add_provider Configurate::Provider::YAML, defaults, namespace: rails_env, required: false
  add_provider Configurate::Provider::YAML, defaults, namespace: "defaults", raise_on_missing: true

  extend Configuration::Methods

  authorities = environment.certificate_authorities
  if rails_env == "production" && (authorities.nil? || authorities.empty? || !File.file?(authorities.get))
    warn "FATAL: the file of the certificate authorities is missing: #{authorities.get}"
    exit!
  end
end
