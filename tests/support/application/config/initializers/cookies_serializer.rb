# frozen_string_literal: true

# config/initializers/cookies_serializer.rb:7
Rails.application.config.action_dispatch.cookies_serializer = :marshal
