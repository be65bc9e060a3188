# frozen_string_literal: true

# app/workers/process_photo.rb; the picture stays as it is
module Workers
  class ProcessPhoto < Base
    sidekiq_options queue: :low

    def perform(id)
      photo = Photo.find(id)
      photo.update!(processed_image: photo.remote_photo_name)
    end
  end
end
