# frozen_string_literal: true

# app/workers/clean_cached_files.rb:7: a daily job that reads the database
module Workers
  class CleanCachedFiles < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
