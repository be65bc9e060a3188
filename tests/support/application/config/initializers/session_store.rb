# frozen_string_literal: true

# config/initializers/session_store.rb:5
Diaspora::Application.config.session_store :cookie_store, key: "_diaspora_session", httponly: true
