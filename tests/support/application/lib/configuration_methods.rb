# frozen_string_literal: true

require "addressable/uri"

module Configuration
  # lib/configuration_methods.rb
  module Methods
    # :7-22
    def pod_uri
      return @pod_uri.dup unless @pod_uri.nil?

      @pod_uri = Addressable::URI.heuristic_parse(environment.url.get)
      @pod_uri.scheme = "https" if environment.require_ssl?
      @pod_uri.path = "/"
      @pod_uri.dup
    end

    # :30-32
    def bare_pod_uri
      pod_uri.authority.gsub("www.", "")
    end

    # :62-78: without the file it is made, with another secret each time
    def secret_token
      token_file = File.expand_path("../config/initializers/secret_token.rb", __dir__)
      system "bin/rake generate:secret_token" unless File.exist?(token_file)
      require token_file
      Diaspora::Application.config.secret_key_base
    end

    # :94-103
    def get_redis_options
      redis_url = ENV["REDIS_URL"] || environment.redis.get
      return {} unless redis_url.present?

      unless redis_url.start_with?("redis://", "unix:///")
        warn "WARNING: Your redis url (#{redis_url}) doesn't start with redis:// or unix:///"
      end
      {url: redis_url}
    end
  end
end
