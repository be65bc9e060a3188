
# Ruby of the packages that is compiled already (compile.rb): a program that uses Rails starts in half the time.
module Compiled
  DATA = File.open("/usr/lib/ruby/compiled", "rb")
  INDEX = Marshal.load(File.binread("/usr/lib/ruby/compiled.index"))

  def load_iseq(path)
    position, size = INDEX[path]
    load_from_binary(DATA.pread(size, position)) if position
  end
end

RubyVM::InstructionSequence.singleton_class.prepend(Compiled)
