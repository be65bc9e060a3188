# frozen_string_literal: true

class Post < ApplicationRecord
  belongs_to :author, class_name: "Person"
  before_create { self.guid ||= SecureRandom.hex(8) }
end
