# frozen_string_literal: true

class Photo < ApplicationRecord
  FOLDER = Rails.root.join("public", "uploads")

  belongs_to :author, class_name: "Person"
  before_create { self.guid ||= SecureRandom.hex(8) }
  # app/models/photo.rb:52-54, :128-130
  after_commit(on: :create) { Workers::ProcessPhoto.perform_async(id) }

  # :75-90, :96-106, and app/uploaders/unprocessed_image.rb:10-20: CarrierWave first writes to uploads/tmp, and then
  # moves to uploads/images (lib/carrierwave/storage/file.rb:32-43 of carrierwave 3.1.2). The picture itself stays as it is.
  def self.store(author, upload)
    name = "#{SecureRandom.hex(10)}#{File.extname(upload.original_filename)}"
    waiting = FOLDER.join("tmp", SecureRandom.hex(8), name)
    FileUtils.mkdir_p([waiting.dirname, FOLDER.join("images")])
    FileUtils.cp(upload.path, waiting)
    FileUtils.mv(waiting, FOLDER.join("images", name))
    FileUtils.rmdir(waiting.dirname)
    File.chmod(0o644, FOLDER.join("images", name))
    create!(author: author, remote_photo_path: "#{AppConfig.pod_uri}uploads/images/", remote_photo_name: name)
  end
end
