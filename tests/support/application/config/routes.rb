# frozen_string_literal: true

Rails.application.routes.draw do
  # config/routes.rb:52
  get "stream", to: "streams#multi", as: "stream"
  # :69
  resources :photos, only: :create
  # :126; Devise makes these paths
  get "users/sign_in", to: "sessions#new", as: "new_user_session"
  post "users/sign_in", to: "sessions#create", as: "user_session"
  post "users/password", to: "passwords#create", as: "user_password"
  # :213-214
  get ".well-known/nodeinfo", to: "node_info#jrd"
  get "nodeinfo/:version", to: "node_info#document", as: "node_info", constraints: {version: /\d+\.\d+/}
  # :224-225
  root to: "home#show"
  get "podmin", to: "home#podmin"
  # :21; a path of the gem diaspora_federation-rails
  post "receive/public", to: "receive#public"
end
