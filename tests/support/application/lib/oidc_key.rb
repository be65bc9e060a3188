# frozen_string_literal: true

# lib/api/openid_connect/id_token_config.rb:6-15: read when the program is loaded; without the file it is made
module OidcKey
  file = Rails.root.join("config", "oidc_key.pem")
  unless File.exist?(file)
    File.write(file, OpenSSL::PKey::RSA.new(4096).to_pem)
    File.chmod(0o600, file)
  end
  PRIVATE_KEY = OpenSSL::PKey::RSA.new(File.read(file))
end
