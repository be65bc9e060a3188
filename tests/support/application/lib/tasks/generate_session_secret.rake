# frozen_string_literal: true

namespace :generate do
  # lib/tasks/generate_session_secret.rake:5-25
  desc "Make the secret of sessions"
  task :secret_token do
    File.write Rails.root.join("config", "initializers", "secret_token.rb"),
               "Diaspora::Application.config.secret_key_base = '#{SecureRandom.hex(40)}'\n"
  end
end
