"""What commands write and show: whole files, sheets of pictures, progress."""
