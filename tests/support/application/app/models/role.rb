# frozen_string_literal: true

# app/models/role.rb:6-20
class Role < ApplicationRecord
  belongs_to :person
  validates :name, uniqueness: {scope: :person_id}
  validates :name, inclusion: {in: %w[admin moderator spotlight]}
  scope :admins, -> { where(name: "admin") }

  def self.add_admin(person)
    find_or_create_by(person_id: person.id, name: "admin")
  end
end
