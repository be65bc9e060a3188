# frozen_string_literal: true

# Devise::PasswordsController; app/models/user.rb:177-179 makes a job of it
class PasswordsController < ApplicationController
  def create
    User.find_by(email: params.require(:user)[:email])&.send_reset_password_instructions
    redirect_to new_user_session_path
  end
end
