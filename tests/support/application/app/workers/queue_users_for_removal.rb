# frozen_string_literal: true

# app/workers/queue_users_for_removal.rb:11: a daily job that reads the database
module Workers
  class QueueUsersForRemoval < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
