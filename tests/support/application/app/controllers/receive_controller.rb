# frozen_string_literal: true

# The gem diaspora_federation-rails; with config/initializers/diaspora_federation.rb:92-94 what is received becomes a
# job, without a query
class ReceiveController < ApplicationController
  skip_forgery_protection

  def public
    Workers::ReceivePublic.perform_async(request.body.read)
    head :accepted
  end
end
