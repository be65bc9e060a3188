# frozen_string_literal: true

# config/boot.rb:3-8
ENV["BUNDLE_GEMFILE"] ||= File.expand_path("../Gemfile", __dir__)
require "bundler/setup"
require_relative "load_config"
