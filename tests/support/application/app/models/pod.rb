# frozen_string_literal: true

class Pod < ApplicationRecord
end
