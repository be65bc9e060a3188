# frozen_string_literal: true

class PasswordMailer < ActionMailer::Base
  # app/mailers/diaspora_devise_mailer.rb:4
  default from: "\"#{AppConfig.settings.pod_name}\" <#{AppConfig.mail.sender_address}>"

  def reset_password_instructions(user, token)
    @user = user
    @token = token
    mail to: user.email, subject: "Reset password instructions"
  end
end
