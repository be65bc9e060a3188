# frozen_string_literal: true

# config/puma.rb:3-33
require_relative "load_config"

pidfile AppConfig.server.pid.get
bind AppConfig.server.listen.get
worker_timeout AppConfig.server.web_timeout.to_i

if AppConfig.server.stdout_log? || AppConfig.server.stderr_log?
  stdout_redirect AppConfig.server.stdout_log? ? AppConfig.server.stdout_log.get : "/dev/null",
                  AppConfig.server.stderr_log? ? AppConfig.server.stderr_log.get : "/dev/null"
end

workers 0
preload_app!
