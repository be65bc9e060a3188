# frozen_string_literal: true

# config/initializers/sidekiq_scheduled.rb: a schedule whose jobs have other names, or another order, is replaced by one
# with random times (:12-52, :63); it is loaded when a Sidekiq starts (:78-85)
daily = %w[CheckBirthday CleanCachedFiles CleanupOldExports CleanupPendingPhotos QueueUsersForRemoval RecheckScheduledPods
           RecurringPodCheck].map do |name|
  [name.underscore.to_sym, {cron: "#{rand(60)} #{rand(24)} * * *", class: "Workers::#{name}"}]
end.to_h

if Sidekiq.server?
  file = Rails.root.join("config", "schedule.yml")
  given = File.exist?(file) ? YAML.load_file(file) : {}
  # :68
  valid = given.keys == daily.keys && given[:recurring_pod_check][:cron] != "0 0 * * *"
  File.write(file, daily.to_yaml) unless valid

  Rails.application.reloader.to_prepare do
    Sidekiq::Cron::Job.load_from_hash YAML.load_file(file)
  end
end
