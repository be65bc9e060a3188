# Runs inside the diaspora* image, with `bin/rails runner`: creates the administrator of a pod without users, or
# completes an interrupted run. It never changes an account that somebody else created.
#
# Exits with 0 if the administrator exists, 3 if somebody else was first, 78 if diaspora* refuses the account.

require "json"

account = JSON.parse(File.read(ENV.fetch("ADMINISTRATOR_ACCOUNT", "/etc/administrator/account.json")))
password = File.read(ENV.fetch("ADMINISTRATOR_PASSWORD_FILE", "/run/secrets/diaspora-admin-password")).chomp
username = account.fetch("username")

def give_up(status, text)
  warn "no administrator: #{text}"
  exit status
end

User.transaction do
  # of this program: two machines at once would be in each other's way
  User.connection.execute("SELECT pg_advisory_xact_lock(20260731)")
  user = User.find_by(username: username)
  if user.nil?
    give_up(3, "the pod has users already") if User.exists?
    user = User.build(username: username, email: account.fetch("email"),
                      password: password, password_confirmation: password)
    give_up(78, "diaspora* refuses #{username}: #{user.errors.full_messages.join('; ')}") unless user.save
  elsif !user.valid_password?(password)
    give_up(3, "the user #{username} already existed")
  end
  Role.add_admin(user.person)
  user.seed_aspects if user.aspects.empty?
end
puts "#{username} is the administrator of this pod"
