# frozen_string_literal: true

# db/migrate/20230604015559_remove_strip_exif_from_users.rb: the last migration of 0.9.1.0
class RemoveStripExifFromUsers < ActiveRecord::Migration[6.1]
  def change
    remove_column :users, :strip_exif, :boolean, default: true
  end
end
