# frozen_string_literal: true

# app/models/person.rb:39-40, :50-53
class Person < ApplicationRecord
  belongs_to :owner, class_name: "User", optional: true
  belongs_to :pod, optional: true
  has_many :posts, foreign_key: :author_id
  has_many :photos, foreign_key: :author_id
  has_many :roles
  before_create { self.guid ||= SecureRandom.hex(8) }
end
