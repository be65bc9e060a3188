# frozen_string_literal: true

# config/initializers/mailer_config.rb: no encryption and no name without a login (:24, :29-36)
Diaspora::Application.configure do
  config.action_mailer.perform_deliveries = AppConfig.mail.enable?

  if AppConfig.mail.enable? && AppConfig.mail.method == "smtp"
    settings = {
      address:              AppConfig.mail.smtp.host.get,
      port:                 AppConfig.mail.smtp.port.to_i,
      domain:               AppConfig.mail.smtp.domain.get,
      enable_starttls_auto: false,
      openssl_verify_mode:  AppConfig.mail.smtp.openssl_verify_mode.get,
      ca_file:              AppConfig.environment.certificate_authorities.get
    }
    if AppConfig.mail.smtp.authentication != "none"
      settings.merge!(
        authentication:       AppConfig.mail.smtp.authentication.gsub("-", "_").to_sym,
        user_name:            AppConfig.mail.smtp.username.get,
        password:             AppConfig.mail.smtp.password.get,
        enable_starttls_auto: AppConfig.mail.smtp.starttls_auto?
      )
    end
    config.action_mailer.delivery_method = :smtp
    config.action_mailer.smtp_settings = settings
  elsif AppConfig.mail.enable?
    abort "mail.method #{AppConfig.mail.method} is not rendered by the project"
  end
end
