package session

// ForgetProfiles makes the program as if it had never used a profile.
func ForgetProfiles() {
	profiles.Lock()
	defer profiles.Unlock()
	profiles.first, profiles.byDir = nil, nil
}
