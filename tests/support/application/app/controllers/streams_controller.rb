# frozen_string_literal: true

# app/controllers/streams_controller.rb: multi
class StreamsController < ApplicationController
  before_action :authenticate_user!

  def multi
    @posts = Post.includes(:author).order(created_at: :desc).limit(15)
  end
end
