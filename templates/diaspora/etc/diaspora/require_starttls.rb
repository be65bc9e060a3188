# An initializer of Rails, after mailer_config.rb of diaspora*. That one asks for STARTTLS only where the relay offers it:
# somebody in between could take the offer away and read the password.
smtp_settings = Rails.application.config.action_mailer.smtp_settings
smtp_settings[:enable_starttls] = true if smtp_settings&.key?(:password)
