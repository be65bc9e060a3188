# frozen_string_literal: true

# app/workers/recheck_scheduled_pods.rb:7: a daily job that reads the database
module Workers
  class RecheckScheduledPods < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
