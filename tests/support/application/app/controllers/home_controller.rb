# frozen_string_literal: true

class HomeController < ApplicationController
  # app/controllers/home_controller.rb:8-29
  def show
    if current_user
      redirect_to stream_path
    elsif Role.admins.any?
      render :default
    else
      redirect_to podmin_path
    end
  end

  # :31-33
  def podmin; end
end
