# frozen_string_literal: true

# app/workers/receive_public.rb:9-13, receive_base.rb; what is received becomes a post of the first person
module Workers
  class ReceivePublic < Base
    sidekiq_options queue: :urgent

    def perform(data)
      StatusMessage.create!(author: Person.first!, public: true, text: data)
    end
  end
end
