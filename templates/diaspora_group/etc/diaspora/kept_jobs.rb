# An initializer of Rails. Sidekiq takes a job out of Redis when it begins it, so that a machine that is lost loses the job.
# With this one a job stays in a list of the process until it is done. When the process has been silent for a minute,
# another one puts its jobs back; after the third time a job goes to the dead ones, since it may be what ends processes.
if Sidekiq::VERSION.to_i >= 7
  require "sidekiq/fetch"

  class KeptJobs < Sidekiq::BasicFetch
    LISTS = "kept".freeze
    # seconds beyond those after which Sidekiq itself takes a process for gone
    PATIENCE = Integer(ENV.fetch("DIASPORA_KEPT_SECONDS", "60"))
    PAUSE = 1
    LOOKING = Mutex.new
    NEXT = [0]
    SILENT = {}
    PUT_BACK = <<~LUA.freeze
      local job = redis.call("LINDEX", KEYS[1], -1)
      if not job then
        redis.call("SREM", KEYS[2], KEYS[1])
        return 0
      end
      local read = cjson.decode(job)
      local times = redis.call("INCR", "kept:times:" .. read.jid)
      redis.call("EXPIRE", "kept:times:" .. read.jid, 259200)
      if times > 3 then
        redis.call("ZADD", "dead", ARGV[1], job)
      else
        redis.call("RPUSH", "queue:" .. read.queue, job)
      end
      redis.call("RPOP", KEYS[1])
      return 1
    LUA

    Unit = Struct.new(:queue, :job, :list, :config) do
      def queue_name
        queue.delete_prefix("queue:")
      end

      def acknowledge
        config.redis {|redis| redis.call("LREM", list, 1, job) }
      end

      def requeue
        config.redis do |redis|
          redis.multi do |both|
            both.call("RPUSH", queue, job)
            both.call("LREM", list, 1, job)
          end
        end
      end
    end

    def initialize(capsule)
      super
      @list = "#{LISTS}:#{identity}"
      redis {|redis| redis.call("SADD", LISTS, @list) }
    end

    def retrieve_work
      look
      queues_cmd.each do |queue|
        job = redis {|redis| redis.call("LMOVE", queue, @list, "RIGHT", "LEFT") }
        return Unit.new(queue, job, @list, config) if job
      end
      sleep PAUSE
      nil
    end

    def bulk_requeue(units)
      units.each(&:requeue)
    end

    private

    # One thread of the process looks after the lists of others, from time to time.
    def look
      return unless LOOKING.try_lock

      begin
        now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
        if now >= NEXT[0]
          NEXT[0] = now + [PATIENCE, PAUSE].max
          put_back(now)
        end
      ensure
        LOOKING.unlock
      end
    end

    def put_back(now)
      redis do |redis|
        (redis.call("SMEMBERS", LISTS) - [@list]).each do |list|
          if redis.call("EXISTS", list.delete_prefix("#{LISTS}:")) == 1
            SILENT.delete(list)
          elsif now - (SILENT[list] ||= now) >= PATIENCE
            logger.warn("putting back the jobs of a process that is gone: #{list}")
            nil while redis.call("EVAL", PUT_BACK, 2, list, LISTS, Time.now.to_f) == 1
          end
        end
      end
    end
  end

  Sidekiq.configure_server {|config| config[:fetch_class] = KeptJobs }
end
