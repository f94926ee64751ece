"""What a replica tells observers and record files about itself."""
