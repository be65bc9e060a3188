# of diaspora* 0.9.1.0, the last one
