# frozen_string_literal: true

# app/controllers/sessions_controller.rb:7; Devise::SessionsController
class SessionsController < ApplicationController
  # no query: the form needs the layout and the token of the session only
  def new; end

  def create
    user = User.find_by(username: params.require(:user)[:username].to_s.downcase)
    return render(:new, status: :unprocessable_entity) unless user&.valid_password?(params[:user][:password])

    reset_session
    session[:user_id] = user.id
    redirect_to stream_path
  end
end
