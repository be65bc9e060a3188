// compiled when the image of diaspora* is built
