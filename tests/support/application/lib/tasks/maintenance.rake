# frozen_string_literal: true

namespace :maintenance do
  # lib/tasks/maintenance.rake: queue_users_for_removal
  desc "Queue users for removal"
  task queue_users_for_removal: :environment do
    Workers::QueueUsersForRemoval.perform_async
    puts "Queued."
  end
end
