# frozen_string_literal: true

# app/workers/check_birthday.rb:7: a daily job that reads the database
module Workers
  class CheckBirthday < Base
    sidekiq_options queue: :low

    def perform
      Person.count
    end
  end
end
