# frozen_string_literal: true

# app/models/aspect.rb:8, :25-27
class Aspect < ApplicationRecord
  belongs_to :user
  before_create { self.order_id ||= Aspect.where(user_id: user_id).maximum(:order_id).to_i + 1 }
end
