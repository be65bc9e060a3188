# frozen_string_literal: true

# app/workers/reset_password.rb:4-9
module Workers
  class ResetPassword < Base
    sidekiq_options queue: :urgent

    def perform(user_id)
      User.find(user_id).send_reset_password_instructions!
    end
  end
end
