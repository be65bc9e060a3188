# frozen_string_literal: true

# app/workers/cleanup_pending_photos.rb:7: a daily job that reads the database
module Workers
  class CleanupPendingPhotos < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
