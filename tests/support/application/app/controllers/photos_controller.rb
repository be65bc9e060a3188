# frozen_string_literal: true

class PhotosController < ApplicationController
  # app/controllers/photos_controller.rb:8, :53-57, :115-123
  before_action :authenticate_user!

  def create
    photo = Photo.store(current_user.person, params.require(:qqfile))
    render json: {success: true, data: {photo: {id: photo.id, url: photo.remote_photo_path + photo.remote_photo_name}}}
  end
end
