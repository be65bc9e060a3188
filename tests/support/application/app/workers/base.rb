# frozen_string_literal: true

# app/workers/base.rb:7-12
module Workers
  class Base
    include Sidekiq::Worker
    sidekiq_options backtrace: (bt = AppConfig.environment.sidekiq.backtrace.get) && bt.to_i,
                    retry:     (rt = AppConfig.environment.sidekiq.retry.get) && rt.to_i
  end
end
