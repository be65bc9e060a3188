# frozen_string_literal: true

require "bcrypt"

class User < ApplicationRecord
  attr_reader :password
  attr_accessor :password_confirmation

  # app/models/user.rb:34-39, :46-48; the password and the address are Devise's :validatable (:30)
  before_validation { self.username = username.strip.downcase if username.present? }
  validates :username, presence: true, uniqueness: true, format: {with: /\A[A-Za-z0-9_.\-]+\z/},
                       length: {maximum: 32}, exclusion: {in: AppConfig.settings.username_blacklist}
  validates :email, presence: true, uniqueness: true, format: {with: /\A[^@\s]+@[^@\s]+\z/}
  validates :password, length: {within: 6..128}, confirmation: true, if: -> { encrypted_password_changed? }
  validates :person, presence: true
  validates_associated :person

  # :53, :61
  has_one :person, inverse_of: :owner, foreign_key: :owner_id
  has_many :aspects, -> { order("order_id ASC") }

  def password=(new_password)
    @password = new_password
    self.encrypted_password = BCrypt::Password.create(new_password)
  end

  # Devise's :database_authenticatable
  def valid_password?(password)
    BCrypt::Password.new(encrypted_password) == password
  end

  # :406-433
  def self.build(opts={})
    new(opts).tap(&:setup)
  end

  def setup
    self.language ||= I18n.locale.to_s
    self.color_theme ||= AppConfig.settings.default_color_theme
    valid?
    errors.delete(:person)
    return if errors.any?

    build_person(diaspora_handle: "#{username}@#{AppConfig.bare_pod_uri}")
    generate_keys
  end

  # :444-460; nobody is followed: that is federation
  def seed_aspects
    %w[Family Friends Work Acquaintances].map {|name| aspects.create(name: name) }.last
  end

  # :533-541; 4096 bits there, which take a minute where the processor is emulated
  def generate_keys
    self.serialized_private_key = OpenSSL::PKey::RSA.generate(2048).to_s
    person.serialized_public_key = OpenSSL::PKey::RSA.new(serialized_private_key).public_key.to_s
  end

  # :177-179
  def send_reset_password_instructions
    Workers::ResetPassword.perform_async(id)
  end

  # :175, Devise's :recoverable
  def send_reset_password_instructions!
    token = SecureRandom.urlsafe_base64(15)
    update!(reset_password_token: Digest::SHA256.hexdigest(token), reset_password_sent_at: Time.now.utc)
    PasswordMailer.reset_password_instructions(self, token).deliver_now
  end
end
