# frozen_string_literal: true

# db/migrate/0000_create_schema.rb: the tables that the scripts of a pod or this program use (:33, :308, :324, :346,
# :407, :495, :582), with the columns that are used
class CreateSchema < ActiveRecord::Migration[4.2]
  def up
    create_table :users do |t|
      t.string :username, null: false
      t.text :serialized_private_key
      t.boolean :strip_exif, default: true
      t.string :language
      t.string :email, default: "", null: false
      t.string :encrypted_password, default: "", null: false
      t.string :reset_password_token
      t.datetime :reset_password_sent_at
      t.datetime :last_seen
      t.string :color_theme
      t.timestamps null: false
    end
    add_index :users, :username, unique: true

    create_table :pods do |t|
      t.string :host, null: false
      t.timestamps null: false
    end

    create_table :people do |t|
      t.string :guid, null: false
      t.string :diaspora_handle, null: false
      t.text :serialized_public_key, null: false
      t.integer :owner_id
      t.boolean :closed_account, default: false
      t.integer :pod_id
      t.timestamps null: false
    end
    add_index :people, :diaspora_handle, unique: true
    add_index :people, :owner_id, unique: true
    add_foreign_key :people, :pods, on_delete: :cascade

    create_table :aspects do |t|
      t.string :name, null: false
      t.integer :user_id, null: false
      t.integer :order_id
      t.timestamps null: false
    end
    add_index :aspects, %i[user_id name], unique: true

    create_table :roles do |t|
      t.integer :person_id
      t.string :name
      t.timestamps null: false
    end
    add_index :roles, %i[person_id name], unique: true

    create_table :posts do |t|
      t.integer :author_id, null: false
      t.boolean :public, default: false, null: false
      t.string :guid, null: false
      t.string :type, limit: 40, null: false
      t.text :text
      t.timestamps null: false
    end

    create_table :photos do |t|
      t.integer :author_id, null: false
      t.string :guid, null: false
      t.text :remote_photo_path
      t.string :remote_photo_name
      t.string :processed_image
      t.timestamps null: false
    end
  end

  def down
    raise ActiveRecord::IrreversibleMigration
  end
end
