# frozen_string_literal: true

class ApplicationController < ActionController::Base
  # app/controllers/application_controller.rb:11-19
  rescue_from ActionController::InvalidAuthenticityToken do
    redirect_to new_user_session_path
  end
  # :79-80
  before_action { headers["X-Diaspora-Version"] = AppConfig.version.number.to_s }

  helper_method :current_user

  private

  # Devise's helper
  def current_user
    @current_user ||= User.find_by(id: session[:user_id]) if session[:user_id]
  end

  def authenticate_user!
    redirect_to new_user_session_path unless current_user
  end
end
