# frozen_string_literal: true

# app/workers/cleanup_old_exports.rb:7: a daily job that reads the database
module Workers
  class CleanupOldExports < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
