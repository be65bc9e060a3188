# frozen_string_literal: true

# app/workers/recurring_pod_check.rb:7: a daily job that reads the database
module Workers
  class RecurringPodCheck < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
